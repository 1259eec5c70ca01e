"""One self-contained page about a workspace: what came in, what was kept, what was learned."""
