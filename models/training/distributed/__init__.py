"""Training by several worker processes: addresses, connections, TensorFlow's strategy, a local launcher."""
