"""The service and batch jobs on Ray. Only this package imports Ray."""
