from . import area
from .sides import count
