"""Orchestration only: the stages as plain functions, as flows over them, and as commands."""
