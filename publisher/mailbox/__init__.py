"""Mail that people and mail servers send to a publication: fetched and recognised."""
