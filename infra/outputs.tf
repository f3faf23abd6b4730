output "vertex" {
  description = "The `vertex` section of the config."
  value = {
    project         = var.project
    location        = var.region
    pipeline_root   = "gs://${google_storage_bucket.retrain.name}/runs"
    service_account = google_service_account.runner.email
  }
}

output "registry" {
  description = "_REGISTRY of containers/cloudbuild.yaml, where the images go."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.name}"
}
