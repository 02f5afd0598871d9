"""Applies kernels to images with `tf.nn.conv2d`."""
