"""What is wrong with a workspace, and what of it can be put right without losing anything."""

from pipelines.doctor.examine import examine
from pipelines.doctor.finding import Finding, is_sound
from pipelines.doctor.repair import Repaired, repair

__all__ = ["Finding", "Repaired", "examine", "is_sound", "repair"]
