"""Worker processes, the queue in front of them, and the messages exchanged with them."""
