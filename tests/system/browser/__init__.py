"""The page in a real Chromium, against a real server. Skipped, with the reason, where there is no Chromium."""
