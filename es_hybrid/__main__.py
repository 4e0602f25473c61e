"""``python -m es_hybrid`` is ``es-hybrid``."""

from es_hybrid.cli import main

main()
