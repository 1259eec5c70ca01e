"""The one error that this package raises on purpose: a sentence that names what is wrong."""


class AugmentError(ValueError):
    """A transform, a recipe, a history or a piece of media that cannot be used as asked."""
