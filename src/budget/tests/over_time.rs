//! Dead processes, reboots and clocks that jump: what happened before is not forgotten, and nothing waits
//! for ever.

use super::*;

const HOUR: i64 = 3_600_000;

#[test]
fn a_slot_of_a_dead_process_counts_until_its_lease_and_the_window_are_over() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(2, 1_000)];
    take(&mut store, &windows);
    // The lease is three seconds.
    clock.advance(3_999);
    assert_eq!(room(&mut store, &windows), 1);
    clock.advance(1);
    assert_eq!(room(&mut store, &windows), 2);
}

#[test]
fn a_long_dead_process_leaves_nothing_behind() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(3, 1_000)];
    for _ in 0..3 {
        take(&mut store, &windows);
    }
    clock.advance(HOUR);
    assert_eq!(room(&mut store, &windows), 3);
}

#[test]
fn an_end_that_is_told_after_the_lease_counts_from_then() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(1, 1_000)];
    let stopped = take(&mut store, &windows);
    clock.advance(10_000);
    assert_eq!(room(&mut store, &windows), 1);
    end(&mut store, stopped);
    assert_eq!(room(&mut store, &windows), 0);
    clock.advance(1_000);
    assert_eq!(room(&mut store, &windows), 1);
}

#[test]
fn each_asker_has_its_own_windows_over_all_calls() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let (wide, strict) = ([limit(10, 1_000)], [limit(2, 60_000)]);
    for _ in 0..3 {
        let given = take(&mut store, &wide);
        end(&mut store, given);
    }
    assert_eq!(room(&mut store, &wide), 7);
    assert_eq!(room(&mut store, &strict), 0);
    clock.advance(1_000);
    assert_eq!(room(&mut store, &wide), 10);
    assert_eq!(room(&mut store, &strict), 0);
    clock.advance(59_000);
    assert_eq!(room(&mut store, &strict), 2);
}

#[test]
fn a_reboot_forgets_nothing() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(5, 300_000)];
    for _ in 0..2 {
        let given = take(&mut store, &windows);
        end(&mut store, given);
    }
    take(&mut store, &windows);
    clock.reboot(60_000, 0);
    assert_eq!(room(&mut store, &windows), 2);
    clock.advance(239_000);
    assert_eq!(room(&mut store, &windows), 2);
    // The wall clock is taken as right to a tenth of a second; the slot in flight ended with the boot at
    // the latest.
    clock.advance(1_200);
    assert_eq!(room(&mut store, &windows), 4);
    clock.advance(3_000);
    assert_eq!(room(&mut store, &windows), 5);
}

#[test]
fn a_wall_clock_that_went_back_makes_nothing_older_and_nothing_younger_than_the_boot() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(1, 300_000)];
    let given = take(&mut store, &windows);
    end(&mut store, given);
    clock.reboot(600_000, -24 * HOUR);
    assert_eq!(room(&mut store, &windows), 0);
    // The machine is up for a second already.
    clock.advance(298_900);
    assert_eq!(room(&mut store, &windows), 0);
    clock.advance(100);
    assert_eq!(room(&mut store, &windows), 1);
}

#[test]
fn a_wall_clock_that_is_set_while_the_machine_runs_changes_nothing() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(1, 60_000)];
    let given = take(&mut store, &windows);
    end(&mut store, given);
    for hours in [-5, 10] {
        clock.0.lock().unwrap().wall += hours * HOUR * 1000;
        assert_eq!(room(&mut store, &windows), 0);
    }
    // What was set is what the next boot reckons with.
    take(&mut store, &[limit(9, 1)]);
    clock.reboot(30_000, 0);
    assert_eq!(room(&mut store, &windows), 0);
    clock.advance(34_000);
    assert_eq!(room(&mut store, &windows), 1);
}

#[test]
fn a_pause_outlives_a_reboot_and_ends() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let mut round = store.round().unwrap();
    round.pause(Duration::from_secs(100)).unwrap();
    round.pause(Duration::from_secs(1)).unwrap();
    round.commit().unwrap();
    let windows = [limit(1, 1_000)];
    clock.advance(50_000);
    assert_eq!(room(&mut store, &windows), 0);
    clock.reboot(20_000, 0);
    assert_eq!(room(&mut store, &windows), 0);
    clock.advance(31_000);
    assert_eq!(room(&mut store, &windows), 1);
}

#[test]
fn rows_of_a_future_that_cannot_be_hold_nobody_for_long() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let windows = [limit(2, 1_000)];
    for _ in 0..2 {
        let given = take(&mut store, &windows);
        end(&mut store, given);
    }
    take(&mut store, &[limit(100, 1)]);
    store
        .execute_batch(
            "UPDATE calls SET ended = 9000000000000000000;
             UPDATE flights SET lease_until = 9000000000000000000;
             UPDATE state SET paused_until = 9000000000000000000;",
        )
        .unwrap();
    assert_eq!(room(&mut store, &windows), 0);
    take(&mut store, &windows);
    clock.advance(1_000);
    assert_eq!(room(&mut store, &windows), 2);
}

#[test]
fn what_no_run_can_have_written_is_not_believed_and_told_once() {
    for (what, written) in [
        ("a pause", "UPDATE state SET paused_until = ?1"),
        ("a lease", "INSERT INTO flights (lease_until) VALUES (?1)"),
    ] {
        let clock = SetClock::new();
        let mut store = store(&clock);
        let windows = [limit(1, 1_000)];
        store.round().unwrap().commit().unwrap();
        let now = clock.now().up;
        let set = |store: &Store, statement: &str, minutes: i64| {
            let until = now + minutes * 60_000_000;
            store
                .execute_batch(&statement.replace("?1", &until.to_string()))
                .unwrap();
        };
        // The longest that a run writes holds.
        set(&store, written, 15);
        assert_eq!(store.round().unwrap().disbelieved, None, "{what}");
        assert_eq!(room(&mut store, &windows), 0, "{what}");
        store
            .execute_batch("UPDATE state SET paused_until = 0; DELETE FROM flights;")
            .unwrap();
        set(&store, written, 60);
        let round = store.round().unwrap();
        assert_eq!(round.disbelieved, Some(what));
        round.commit().unwrap();
        assert_eq!(
            store.round().unwrap().disbelieved,
            None,
            "{what} is told once"
        );
        clock.advance(1_001);
        assert_eq!(room(&mut store, &windows), 1, "{what}");
    }
}

#[test]
fn only_so_many_calls_are_kept() {
    let clock = SetClock::new();
    let mut store = store(&clock);
    let mut round = store.round().unwrap();
    for _ in 0..100_100 {
        round.end(None).unwrap();
    }
    round.commit().unwrap();
    assert_eq!(store.count_calls().unwrap(), 100_000);
    assert_eq!(room(&mut store, &[limit(100_000, 1_000)]), 0);
    clock.advance(1_000);
    assert_eq!(room(&mut store, &[limit(9_000, 1_000)]), 9_000);
}
