"""The errors that this package raises on purpose: sentences that name what is wrong."""


class AugmentError(ValueError):
    """A transform, a recipe, a history or a piece of media that cannot be used as asked."""


class CannotRemap(AugmentError):
    """An answer that cannot follow its media; `reason` is a short name to count by."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"the answer cannot be moved: {detail}")
        self.reason = reason
        self.detail = detail
