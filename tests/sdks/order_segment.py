# Follows the lines of docs/sdks.md. A batch that is refused goes behind what is queued: "Started" is in the first hundred,
# "Converted" is not.
def hours_ago(hours):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)


user = os.environ["SDK_USER"]
analytics.track(user, "Started", timestamp=hours_ago(2))
for n in range(99):
    analytics.track(user, "Filler", timestamp=hours_ago(2))
analytics.track(user, "Converted", timestamp=hours_ago(1))
analytics.flush()
analytics.shutdown()
