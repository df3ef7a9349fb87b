"""Everything that notify keeps, in MongoDB."""

from services.notify.store.asks import MongoAsks
from services.notify.store.audits import MongoAudits
from services.notify.store.calendar import MongoCalendar
from services.notify.store.calls import MongoCalls
from services.notify.store.contacts import MongoContacts
from services.notify.store.marks import MongoMarks
from services.notify.store.messages import MongoMessages
from services.notify.store.overview import MongoOverview
from services.notify.store.practices import MongoPractices
from services.notify.store.replies import MongoReplies
from services.notify.store.senders import MongoSenders
from services.notify.store.visits import MongoVisits
from services.notify.store.words import MongoWords

__all__ = [
    "MongoAsks",
    "MongoAudits",
    "MongoCalendar",
    "MongoCalls",
    "MongoContacts",
    "MongoMarks",
    "MongoMessages",
    "MongoOverview",
    "MongoPractices",
    "MongoReplies",
    "MongoSenders",
    "MongoVisits",
    "MongoWords",
]
