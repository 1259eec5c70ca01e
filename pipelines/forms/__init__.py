"""Questions in other forms: views that ask the same as multiple choice, or as yes or no."""
