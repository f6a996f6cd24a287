"""`python -m webapp.cli`, the same as `postbridge`, for callers that know their Python but not their PATH."""

from webapp.cli import main

main(prog_name="postbridge")
