"""What Postbridge is measured beside: programs that people would use otherwise, set up as well as we know how."""
