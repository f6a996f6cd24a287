"""Reports: figures and logs as files, made by a job when they are large."""
