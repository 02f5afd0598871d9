"""Layers of a network as steps of a chain: multi-channel convolution, ReLU and pooling. Nothing here touches pixels."""
