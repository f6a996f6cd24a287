"""Flask-free ground that every slice stands on; imports no slice."""
