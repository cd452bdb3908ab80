from tests.core.specimens import *


def test_smoke(db, actor):
    s = db.write(actor, lambda tx: make_shelf(tx))
    b = db.write(actor, lambda tx: make_box(tx, shelf_id=s, pin="1234", owner_user_id=actor.id))
    with db.read(actor) as reads:
        row = reads.get(Box, b)
        assert reads.secret(row, "pin") == "1234"
