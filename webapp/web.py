"""The web server: granian with its own arguments, and our code loaded once, before it forks its workers.

`python -m webapp.web --interface wsgi ... wsgi:application`. Each further worker then starts in a fraction of a second and shares the code's memory
with the others; `granian` itself does the same without that.
"""

from __future__ import annotations

import multiprocessing

from granian.cli import entrypoint

from webapp.loading import loading


def main() -> None:
    """Load, then serve. Nothing is opened or started before the fork: each worker makes its own application."""
    if multiprocessing.get_start_method() == "fork":
        with loading():
            import webapp.app  # noqa: F401
    entrypoint()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
