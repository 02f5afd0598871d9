"""Pictures as people have them, to arrays and back."""
