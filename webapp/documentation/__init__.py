"""What this server says about itself: guides, error codes, the API reference and console, the OpenAPI document and what is made from it."""
