variable "project" {
  type        = string
  description = "Google Cloud project id."
}

variable "region" {
  type        = string
  default     = "europe-west2"
  description = "Where the pipeline runs; the bucket is there too."
}

variable "bucket" {
  type        = string
  default     = null
  description = "Name of the bucket of runs and models; PROJECT-retrain if not given."
}

variable "annotation_buckets" {
  type        = set(string)
  default     = []
  description = "Buckets that hold annotations; runs and submitters may read them."
}

variable "submitters" {
  type        = set(string)
  description = "Who may submit and schedule, e.g. [\"group:team@example.org\"]."
}
