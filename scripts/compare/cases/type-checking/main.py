from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nobody
else:
    import numpy
