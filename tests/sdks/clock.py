# The clock of the machine is off by so many hours.
import datetime
import os


class WrongClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(hours=int(os.environ["SDK_HOURS"]))

    @classmethod
    def utcnow(cls):
        return super().utcnow() + datetime.timedelta(hours=int(os.environ["SDK_HOURS"]))


datetime.datetime = WrongClock
