"""The installed command ``sipnlb-remediator``. Imports the service only where it is wanted.

``reconcile`` is started by other programs at the moment of a switchover: what the service needs
takes a second to import, and that one would wait for it.
"""

from __future__ import annotations

import sys


def entry_point() -> None:
    """Run the command and exit with its status."""
    if sys.argv[1:2] == ["reconcile"]:
        from remediator import reconcile  # noqa: PLC0415 - see above

        sys.exit(reconcile.main(sys.argv[2:]))
    from remediator.__main__ import main  # noqa: PLC0415 - see above

    sys.exit(main())
