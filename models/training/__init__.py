"""Data to weights: MNIST, synthetic digits, augmentation and the training loop."""
