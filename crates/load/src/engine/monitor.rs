//! What is seen from outside while a run goes on: the live figures, the server, the machine. It knows no sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::crew::Crew;
use crate::clock::{self, MILLISECOND, SECOND};
use crate::halt::Halt;
use crate::plan::Plan;
use crate::report::{Machine, Progress, ServerUse};
use crate::watch::{self, Cores, Use, Watch};
use crate::worker::Gauge;

/// Between two lines of progress.
const SHOWN_EVERY: u64 = 250 * MILLISECOND;

/// Watches a run.
pub(super) struct Monitor<'a> {
    progress: &'a mut dyn FnMut(&Progress),
    stop: &'a AtomicBool,
    watch: Option<Watch>,
    /// The generator's further processes.
    parts: Option<Watch>,
    job: InJob,
    gauges: Vec<Arc<Gauge>>,
    halt: Arc<Halt>,
    /// When somebody wanted the end.
    stopped: Option<u64>,
    phase: String,
    plan: Option<Arc<Plan>>,
    shown: u64,
    last: Flow,
    before: Option<(Use, Option<u64>)>,
    begin: Option<Moment>,
    end: Option<Moment>,
    peak_rss: u64,
    seconds: Vec<SecondSeen>,
}

/// Where in a job a repetition is.
#[derive(Clone, Copy, Debug)]
pub(super) struct InJob {
    /// From 1.
    pub(super) repetition: u32,
    /// When the job began.
    pub(super) began: u64,
    /// Seconds that all of it takes.
    pub(super) total_s: f64,
}

/// How many messages were sent and received until a time.
#[derive(Clone, Copy, Debug, Default)]
struct Flow {
    at: u64,
    sent: u64,
    received: u64,
}

/// A moment, as the machine shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) at: u64,
    pub(super) server: Option<Use>,
    pub(super) own_cpu_s: f64,
    pub(super) cores: Cores,
}

/// The end of one second that counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SecondSeen {
    pub(super) connections: u32,
    pub(super) server: Option<Use>,
}

impl<'a> Monitor<'a> {
    pub(super) fn new(
        watch: Option<Watch>,
        job: InJob,
        progress: &'a mut dyn FnMut(&Progress),
        stop: &'a AtomicBool,
    ) -> Self {
        let before = watch.as_ref().map(|watch| (watch.used(), watch.pss_bytes()));
        Self {
            progress,
            stop,
            watch,
            parts: None,
            job,
            gauges: Vec::new(),
            halt: Arc::default(),
            stopped: None,
            phase: "connect".into(),
            plan: None,
            shown: 0,
            last: Flow::default(),
            before,
            begin: None,
            end: None,
            peak_rss: 0,
            seconds: Vec::new(),
        }
    }

    pub(super) fn look_at(&mut self, crew: &Crew) {
        (self.gauges, self.halt) = (crew.gauges(), crew.halt());
        // A process that has ended already says why itself.
        self.parts = Watch::new(&crew.pids(), false).unwrap_or_default();
        self.last = Flow::default();
    }

    /// What the server holds now is what it held before.
    pub(super) fn begin_anew(&mut self) {
        self.before = self.watch.as_ref().map(|watch| (watch.used(), watch.pss_bytes()));
        self.peak_rss = 0;
    }

    /// Connections that can be used now.
    pub(super) fn connections(&self) -> u32 {
        self.sum(|gauge| &gauge.connections) as u32
    }

    /// Whether somebody wanted the end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// When what counts of a plan was over: at its end, or when it was told to stop.
    pub(super) fn over(&self, plan: &Plan) -> u64 {
        self.stopped.unwrap_or(u64::MAX).min(clock::now()).min(plan.end())
    }

    /// What goes on, in a word.
    pub(super) fn phase(&mut self, phase: &str) {
        phase.clone_into(&mut self.phase);
    }

    /// Watches what counts of a plan.
    pub(super) fn follow(&mut self, plan: &Arc<Plan>) {
        (self.begin, self.end) = (None, None);
        self.seconds.clear();
        self.plan = Some(Arc::clone(plan));
    }

    /// Looks, and shows, what is due. Returns after how long it should be called again.
    pub(super) fn tick(&mut self) -> u64 {
        let now = clock::now();
        if self.stopped.is_none() && self.stop.load(Ordering::Relaxed) {
            self.stopped = Some(now);
            self.halt.wrap_up();
        }
        self.watch_window(now);
        if now >= self.shown + SHOWN_EVERY {
            self.shown = now;
            self.show(now);
        }
        let next = self.next_moment().map_or(u64::MAX, |next| next.saturating_sub(now));
        next.clamp(MILLISECOND / 10, SHOWN_EVERY)
    }

    fn next_moment(&self) -> Option<u64> {
        let plan = self.plan.as_ref()?;
        if self.begin.is_none() {
            return Some(plan.counts_from());
        }
        let next = plan.counts_from() + (self.seconds.len() as u64 + 1) * SECOND;
        self.end.is_none().then(|| next.min(plan.end()))
    }

    fn watch_window(&mut self, now: u64) {
        let Some(plan) = self.plan.clone() else { return };
        if self.begin.is_none() && now >= plan.counts_from() {
            self.begin = Some(self.moment());
        }
        let next = plan.counts_from() + (self.seconds.len() as u64 + 1) * SECOND;
        let over = now >= plan.end() || self.is_stopped();
        if self.end.is_none() && (now >= next || over) {
            let moment = self.moment();
            let connections = self.connections();
            self.seconds.push(SecondSeen { connections, server: moment.server });
            if over {
                self.end = Some(moment);
            }
        }
    }

    /// This moment.
    pub(super) fn moment(&mut self) -> Moment {
        let server = self.watch.as_ref().map(Watch::used);
        self.peak_rss = self.peak_rss.max(server.map_or(0, |server| server.rss_bytes));
        let own_cpu_s = watch::own_cpu_s() + self.parts.as_ref().map_or(0.0, |it| it.used().cpu_s);
        Moment { at: clock::now(), server, own_cpu_s, cores: watch::cores() }
    }

    /// Where what counts began and ended; where it did not, now.
    pub(super) fn window(&mut self) -> (Moment, Moment) {
        let now = self.moment();
        (self.begin.unwrap_or(now), self.end.unwrap_or(now))
    }

    pub(super) fn seconds(&self) -> &[SecondSeen] {
        &self.seconds
    }

    /// What the server used between two moments, for so many messages.
    pub(super) fn server_use(
        &self,
        from: &Moment,
        to: &Moment,
        received: u64,
    ) -> Option<ServerUse> {
        let (begin, end) = (from.server?, to.server?);
        let (before, pss_before_bytes) = self.before?;
        let cpu_s = (end.cpu_s - begin.cpu_s).max(0.0);
        let seconds = clock::seconds(to.at.saturating_sub(from.at));
        Some(ServerUse {
            cpu_s,
            cpu_percent: if seconds > 0.0 { 100.0 * cpu_s / seconds } else { 0.0 },
            cpu_s_per_million: (received > 0).then(|| cpu_s * 1e6 / received as f64),
            rss_before_bytes: before.rss_bytes,
            rss_bytes: end.rss_bytes,
            rss_peak_bytes: self.peak_rss.max(end.rss_bytes),
            pss_before_bytes,
            pss_bytes: self.pss_bytes(),
        })
    }

    /// The server's proportional set size now.
    pub(super) fn pss_bytes(&self) -> Option<u64> {
        self.watch.as_ref()?.pss_bytes()
    }

    fn sum(&self, of: impl Fn(&Gauge) -> &std::sync::atomic::AtomicU64) -> u64 {
        self.gauges.iter().map(|gauge| of(gauge).load(Ordering::Relaxed)).sum()
    }

    fn show(&mut self, now: u64) {
        let flow = Flow {
            at: now,
            sent: self.sum(|gauge| &gauge.sent),
            received: self.sum(|gauge| &gauge.received),
        };
        let rate = |count: u64, before: u64| match clock::seconds(now - self.last.at) {
            0.0 => 0.0,
            seconds => count.saturating_sub(before) as f64 / seconds,
        };
        let progress = Progress {
            elapsed_s: clock::seconds(now - self.job.began),
            total_s: self.job.total_s,
            phase: self.phase_at(now),
            run: self.job.repetition,
            connections: self.connections(),
            sent_per_s: rate(flow.sent, self.last.sent),
            received_per_s: rate(flow.received, self.last.received),
            lost: self.sum(|gauge| &gauge.missing),
        };
        self.last = flow;
        (self.progress)(&progress);
    }

    fn phase_at(&self, now: u64) -> String {
        match &self.plan {
            Some(plan) if now >= plan.end() => "drain".into(),
            Some(plan) if now >= plan.epoch => plan
                .segments
                .get(plan.segment_at(now))
                .map_or(String::new(), |segment| segment.name.clone()),
            _ => self.phase.clone(),
        }
    }
}

/// How busy the machine was between two moments, the generator and the server left out of `busy_others`.
pub(super) fn machine(from: &Moment, to: &Moment) -> Machine {
    let all = to.cores.all_s - from.cores.all_s;
    let busy = to.cores.busy_s - from.cores.busy_s;
    let server = |moment: &Moment| moment.server.map_or(0.0, |server| server.cpu_s);
    let ours = to.own_cpu_s - from.own_cpu_s + server(to) - server(from);
    let share = |of: f64| if all > 0.0 { (of / all).clamp(0.0, 1.0) } else { 0.0 };
    Machine { cores: to.cores.count, busy: share(busy), busy_others: share(busy - ours) }
}
