"""The command line: one module per group of commands.

Modules here import nothing heavy before a command runs, so that ``--help`` is quick.
"""

from es_hybrid.cli.app import main

__all__ = ["main"]
