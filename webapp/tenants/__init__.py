"""The sending organisations."""
