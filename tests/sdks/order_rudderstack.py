# Follows the lines of docs/sdks.md. One thread sends in order; of two, the one does not wait for the other.
from rudderstack.analytics import Client


def hours_ago(hours):
    return datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=hours)


user = os.environ["SDK_USER"]
client = Client(analytics.write_key, host=analytics.dataPlaneUrl, thread=2, upload_size=1)
client.track(user, "Started", timestamp=hours_ago(2))
client.track(user, "Converted", timestamp=hours_ago(1))
client.flush()
client.join()
analytics.flush()
analytics.shutdown()
