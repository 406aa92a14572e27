//! A module with procedures of every kind, and views that read tables in every way.
use spacetimedb::{
    procedure, reducer, table, view, AnonymousViewContext, Identity, ProcedureContext, Query, ReducerContext,
    ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp, ViewContext,
};

#[table(accessor = note, public, index(accessor = by_topic_rank, btree(columns = [topic, rank])))]
#[derive(Clone)]
pub struct Note {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    #[index(btree)]
    pub owner: Identity,
    #[index(btree)]
    pub topic: u32,
    pub rank: u8,
    pub text: String,
}

#[table(accessor = tally, public)]
pub struct Tally {
    #[primary_key]
    pub what: String,
    pub times: u32,
}

#[table(accessor = hidden)]
pub struct Hidden {
    #[primary_key]
    pub id: u32,
    pub text: String,
}

#[table(accessor = job, public, scheduled(run_job, at = at))]
pub struct Job {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub at: ScheduleAt,
    pub text: String,
}

#[derive(SpacetimeType)]
pub struct Caller {
    pub sender: Identity,
    pub connected: bool,
    pub at: Timestamp,
}

#[derive(SpacetimeType)]
pub enum Answer {
    Page(String),
    Failed(String),
}

#[derive(SpacetimeType)]
pub struct Line {
    pub text: String,
}

#[reducer(init)]
pub fn init(ctx: &ReducerContext) {
    ctx.db.hidden().insert(Hidden { id: 1, text: "behind a view".into() });
}

// What changes the tables

#[reducer]
pub fn write(ctx: &ReducerContext, topic: u32, rank: u8, text: String) {
    ctx.db.note().insert(Note { id: 0, owner: ctx.sender(), topic, rank, text });
}

#[reducer]
pub fn erase(ctx: &ReducerContext, id: u64) -> Result<(), String> {
    if ctx.db.note().id().delete(id) {
        Ok(())
    } else {
        Err(format!("no note {id}"))
    }
}

#[reducer]
pub fn count_up(ctx: &ReducerContext, what: String) {
    match ctx.db.tally().what().find(&what) {
        Some(tally) => {
            ctx.db.tally().what().update(Tally { times: tally.times + 1, ..tally });
        }
        None => {
            ctx.db.tally().insert(Tally { what, times: 1 });
        }
    }
}

#[reducer]
pub fn schedule_job(ctx: &ReducerContext, after_micros: i64, text: String) {
    let at = ScheduleAt::Time(ctx.timestamp + TimeDuration::from_micros(after_micros));
    ctx.db.job().insert(Job { id: 0, at, text });
}

#[reducer]
pub fn repeat_job(ctx: &ReducerContext, every_micros: i64, text: String) {
    ctx.db.job().insert(Job { id: 0, at: ScheduleAt::Interval(TimeDuration::from_micros(every_micros)), text });
}

// Procedures

#[procedure]
pub fn add(_ctx: &mut ProcedureContext, left: u32, right: u32) -> u32 {
    left + right
}

#[procedure]
pub fn nothing(_ctx: &mut ProcedureContext) {}

#[procedure]
pub fn who_calls(ctx: &mut ProcedureContext) -> Caller {
    Caller { sender: ctx.sender(), connected: ctx.connection_id().is_some(), at: ctx.timestamp }
}

#[procedure]
pub fn write_all(ctx: &mut ProcedureContext, topic: u32, texts: Vec<String>) -> u64 {
    let mut last = 0;
    for text in texts {
        last = ctx.with_tx(|tx| {
            let note = Note { id: 0, owner: tx.sender(), topic, rank: 0, text: text.clone() };
            tx.db.note().insert(note).id
        });
    }
    last
}

#[procedure]
pub fn write_unless(ctx: &mut ProcedureContext, text: String, refuse: bool) -> Result<u64, String> {
    ctx.try_with_tx(|tx| {
        let note = Note { id: 0, owner: tx.sender(), topic: 0, rank: 0, text: text.clone() };
        let id = tx.db.note().insert(note).id;
        if refuse {
            Err(format!("refused {text}"))
        } else {
            Ok(id)
        }
    })
}

#[procedure]
pub fn count_notes(ctx: &mut ProcedureContext) -> u64 {
    ctx.with_tx(|tx| tx.db.note().count())
}

#[procedure]
pub fn explodes(_ctx: &mut ProcedureContext) {
    panic!("on purpose");
}

#[procedure]
pub fn explodes_in_tx(ctx: &mut ProcedureContext, text: String) {
    ctx.with_tx(|tx| {
        tx.db.note().insert(Note { id: 0, owner: tx.sender(), topic: 0, rank: 0, text: text.clone() });
        panic!("on purpose, in a transaction");
    })
}

#[procedure]
pub fn sleep_for(ctx: &mut ProcedureContext, micros: i64) -> Timestamp {
    ctx.sleep_until(ctx.timestamp + TimeDuration::from_micros(micros));
    ctx.timestamp
}

#[procedure]
pub fn fetch(ctx: &mut ProcedureContext, url: String) -> Answer {
    match ctx.http.get(url) {
        Ok(response) => {
            let status = response.status().as_u16();
            Answer::Page(format!("{status} {}", response.into_body().into_string_lossy()))
        }
        Err(error) => Answer::Failed(error.to_string()),
    }
}

#[procedure]
pub fn post(ctx: &mut ProcedureContext, url: String, body: String) -> Vec<String> {
    let request = spacetimedb::http::Request::builder()
        .method("POST")
        .uri(url)
        .header("x-first", "one")
        .header("x-second", "two")
        .extension(spacetimedb::http::Timeout::from(TimeDuration::from_micros(5_000_000)))
        .body(body)
        .unwrap();
    let response = ctx.http.send(request).unwrap();
    response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
}

#[procedure]
pub fn run_job(ctx: &mut ProcedureContext, job: Job) {
    let jobs = ctx.with_tx(|tx| tx.db.job().count());
    let at = ctx.timestamp.to_micros_since_unix_epoch();
    let by_database = ctx.sender() == ctx.database_identity();
    ctx.with_tx(|tx| {
        let text = format!("{} at {at}, {jobs} jobs, by the database: {by_database}", job.text);
        tx.db.note().insert(Note { id: 0, owner: tx.sender(), topic: 0, rank: 0, text });
    });
    if job.text == "explode" {
        panic!("a job that explodes");
    }
}

// Views

#[view(accessor = my_notes, public)]
pub fn my_notes(ctx: &ViewContext) -> Vec<Note> {
    ctx.db.note().owner().filter(ctx.sender()).collect()
}

#[view(accessor = notes_on_one, public)]
pub fn notes_on_one(ctx: &AnonymousViewContext) -> Vec<Note> {
    ctx.db.note().topic().filter(1u32).collect()
}

#[view(accessor = high_notes, public)]
pub fn high_notes(ctx: &AnonymousViewContext) -> Vec<Note> {
    ctx.db.note().by_topic_rank().filter((2u32, 5u8..)).collect()
}

#[view(accessor = first_note, public)]
pub fn first_note(ctx: &AnonymousViewContext) -> Option<Note> {
    ctx.db.note().id().find(1)
}

#[view(accessor = lines, public)]
pub fn lines(ctx: &AnonymousViewContext) -> Vec<Line> {
    ctx.db.note().topic().filter(0u32..).map(|note| Line { text: note.text }).collect()
}

#[view(accessor = note_count, public)]
pub fn note_count(ctx: &AnonymousViewContext) -> Option<Tally> {
    Some(Tally { what: "notes".into(), times: ctx.db.note().count() as u32 })
}

#[view(accessor = not_hidden, public)]
pub fn not_hidden(ctx: &ViewContext) -> Vec<Hidden> {
    ctx.db.hidden().id().find(1).into_iter().collect()
}

#[view(accessor = tallies, public)]
pub fn tallies(ctx: &ViewContext) -> impl Query<Tally> {
    ctx.from.tally().r#where(|tally| tally.times.gt(1))
}

#[view(accessor = keyed_notes, public, primary_key = id)]
pub fn keyed_notes(ctx: &AnonymousViewContext) -> Vec<Note> {
    ctx.db.note().topic().filter(3u32).collect()
}

#[view(accessor = fragile, public)]
pub fn fragile(ctx: &AnonymousViewContext) -> Vec<Note> {
    let found: Vec<Note> = ctx.db.note().topic().filter(9u32).collect();
    if found.iter().any(|note| note.text == "break") {
        panic!("a note breaks this view");
    }
    found
}
