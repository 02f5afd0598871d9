"""Estimates the kernel that turns one image into another."""
