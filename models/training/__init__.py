"""From data to weights: MNIST, synthetic digits, negatives, augmentation, the training loop."""
