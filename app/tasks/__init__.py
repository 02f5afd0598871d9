"""The work on a request, bytes in and bytes out. Worker processes and the command line run it."""
