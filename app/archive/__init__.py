"""Resumable batch jobs over folders and object stores."""
