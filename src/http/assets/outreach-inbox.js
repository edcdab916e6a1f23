// <outreach-inbox>
