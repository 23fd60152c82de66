//! What is seen from outside while a run goes on: the live figures, the server, the machine. It knows no sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::crew::Crew;
use crate::clock::{self, MILLISECOND, SECOND};
use crate::halt::Halt;
use crate::plan::Plan;
use crate::report::{Machine, Progress, ServerUse};
use crate::watch::{self, Cores, ThreadUse, Use, Watch};
use crate::worker::Gauge;

/// Between two lines of progress.
const SHOWN_EVERY: u64 = 250 * MILLISECOND;

/// No fan-out is given up before it has counted for so long.
const FLOODED_AFTER: u64 = 200 * MILLISECOND;

/// Between two looks at a server that is to come to rest.
const LOOK: u64 = 60 * MILLISECOND;

/// A server that takes less of a core than this is at rest.
const AT_REST: f64 = 0.1;

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
    /// The server's threads where what counts began, and where it ended.
    threads: (Vec<ThreadUse>, Vec<ThreadUse>),
    /// What is too much to be under way.
    flood: Option<Flood>,
    /// When there was too much.
    flooded: Option<u64>,
    peak_rss: u64,
    seconds: Vec<SecondSeen>,
}

/// How much of a fan-out may be under way at a time before it is given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flood {
    /// Deliveries of one publication.
    pub(super) readers: u32,
    /// Deliveries under way, while it is published.
    pub(super) most: f64,
    /// The same, where what is under way is late already: `after` nanoseconds behind the end.
    pub(super) at_last: f64,
    pub(super) after: u64,
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
            threads: Default::default(),
            flood: None,
            flooded: None,
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
        let given_up = self.stopped.or(self.flooded).unwrap_or(u64::MAX);
        given_up.min(clock::now()).min(plan.end())
    }

    /// What goes on, in a word.
    pub(super) fn phase(&mut self, phase: &str) {
        phase.clone_into(&mut self.phase);
    }

    /// Watches what counts of a plan.
    pub(super) fn follow(&mut self, plan: &Arc<Plan>) {
        (self.begin, self.end) = (None, None);
        self.flooded = None;
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
        if self.flooded.is_none() && self.is_flooded(now) {
            self.flooded = Some(now);
            self.halt.abort();
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
            self.threads.0 = self.server_threads();
        }
        let next = plan.counts_from() + (self.seconds.len() as u64 + 1) * SECOND;
        let over = now >= plan.end() || self.is_stopped() || self.flooded.is_some();
        if self.end.is_none() && (now >= next || over) {
            let moment = self.moment();
            let connections = self.connections();
            self.seconds.push(SecondSeen { connections, server: moment.server });
            if over {
                self.end = Some(moment);
                self.threads.1 = self.server_threads();
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
        let nanos = to.at.saturating_sub(from.at);
        let seconds = clock::seconds(nanos);
        let busiest = watch::busiest(&self.threads.0, &self.threads.1, nanos);
        Some(ServerUse {
            busiest_thread: Some(busiest.ran),
            waited: Some(busiest.waited),
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

    /// From now on, fan-outs are given up of which too much is under way.
    pub(super) fn give_up_on(&mut self, flood: Flood) {
        self.flood = Some(flood);
    }

    /// Whether the last fan-out was given up.
    pub(super) fn is_given_up(&self) -> bool {
        self.flooded.is_some()
    }

    fn is_flooded(&self, now: u64) -> bool {
        let (Some(flood), Some(plan)) = (self.flood, &self.plan) else { return false };
        // Before it counts, nothing is known of whose fault it is.
        if now < plan.counts_from() + FLOODED_AFTER {
            return false;
        }
        let due = self.sum(|gauge| &gauge.sent) as f64 * f64::from(flood.readers);
        let under_way = due - self.sum(|gauge| &gauge.received) as f64;
        under_way > if now > plan.end() + flood.after { flood.at_last } else { flood.most }
    }

    /// Waits until the server does nothing any more, or so many nanoseconds.
    pub(super) fn rest(&mut self, most: u64) {
        self.plan = None;
        self.phase("rest");
        let begun = clock::now();
        let mut before: Option<f64> = None;
        while clock::now() < begun + most && !self.is_stopped() {
            self.tick();
            std::thread::park_timeout(std::time::Duration::from_nanos(LOOK));
            let Some(watch) = &self.watch else { return };
            let cpu_s = watch.used().cpu_s;
            if before.is_some_and(|before| cpu_s - before < AT_REST * clock::seconds(LOOK)) {
                return;
            }
            before = Some(cpu_s);
        }
    }

    fn server_threads(&self) -> Vec<ThreadUse> {
        self.watch.as_ref().map(Watch::threads).unwrap_or_default()
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
