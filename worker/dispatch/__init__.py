"""Between rows and the delivery engine: turns leased recipients into values for it, and its results into rows."""
