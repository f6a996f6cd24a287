"""The delivery engine: values in, results out. Knows nothing of Flask, SQL, Redis or RQ."""
