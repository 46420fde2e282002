"""What can go wrong between machines."""

from swaram.errors import SwaramError


class ClusterError(SwaramError):
    """A cluster, or a storage that its machines share, that cannot be used; says which, why, and what to do."""
