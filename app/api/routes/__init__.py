"""One router per module. Routes process no pixels."""
