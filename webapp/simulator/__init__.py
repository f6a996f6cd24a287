"""What the built-in receiving server took in."""
