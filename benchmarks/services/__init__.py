"""This service beside others that do the same: the same work, the same load, in turns, in one run."""
