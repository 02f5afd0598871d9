"""The service and archives on Ray: many machines, the same work. Only this package imports Ray."""
