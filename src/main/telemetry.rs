//! Traces for an OpenTelemetry collector, where one is set: spans of this program, sent in batches from a thread of their
//! own. A collector that is away costs a line in the log and the spans.

use doorward::server::settings::Telemetry;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, Protocol, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter},
};
use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// Where collectors take traces (OpenTelemetry, "OTLP/HTTP").
const PATH: &str = "/v1/traces";
/// How long one batch may take, and at the end the last one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Spans on their way. To be ended before the program does.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts the thread that sends; none if no collector is set.
    ///
    /// # Errors
    /// The system gives no thread, or the address is none.
    pub fn start(settings: &Telemetry) -> Result<Option<Self>, ExporterBuildError> {
        if !settings.is_on() {
            return Ok(None);
        }
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint([settings.otlp_endpoint.trim_end_matches('/'), PATH].concat())
            .with_timeout(PATIENCE)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.sample)));
        let sender = BatchSpanProcessor::builder(Outspoken { exporter, is_failing: AtomicBool::new(false) }).build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(sender)
            .with_resource(resource)
            .with_sampler(sampler)
            .build();
        Ok(Some(Self(provider)))
    }

    /// Notes the spans of this program, whatever the log's filter says, and nothing of what is logged in them.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("doorward"));
        let tracer = self.0.tracer("doorward");
        tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false).with_filter(ours)
    }

    /// Sends what is left, for a few seconds at most.
    pub async fn end(self) {
        let ended = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE)).await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::debug!("the last spans were not sent");
        }
    }
}

/// Says once that the collector is away, and once that it is back.
#[derive(Debug)]
struct Outspoken<E> {
    exporter: E,
    is_failing: AtomicBool,
}

impl<E: SpanExporter> SpanExporter for Outspoken<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let sent = self.exporter.export(batch).await;
        match (&sent, self.is_failing.swap(sent.is_err(), Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(%error, spans, "telemetry.otlp_endpoint does not take traces; they are lost until it does");
            }
            (Ok(()), true) => tracing::info!("telemetry.otlp_endpoint takes traces again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
