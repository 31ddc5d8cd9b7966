/* Election, replication and membership of a room of peers (src/peers/raft*.c), for the model checker Spin. README.md says which
   properties are checked, what is left out and why that hides nothing, and how it is run.

   Members are numbers: 1, 2 and 3 have founded the room; 4 is the number of the one that starts again without its memory.

   TERMS, ENTRIES and CHANGES bound a run. Other switches:
     NO_..._RULE       takes a rule out
     ONE_MASTER_GIVEN  an election that would give a term two masters fails, so that another violation is looked for
     SLOW_DISKS        what a master writes is held by its own disk later, or never; without: at once
     REACHED           a violation is what is to be reached: see below
     NO_SYMMETRY       members keep their names, so that a trail can be read */

#ifndef TERMS
#define TERMS 4 /* the highest, at most 5; candidates may skip terms */
#endif
#ifndef ENTRIES
#define ENTRIES 3 /* of the longest log, at most 4 */
#endif
#ifndef CHANGES
#define CHANGES 2 /* of the membership, in all */
#endif

#define MEMBERS 4
#define FOUNDERS 7 /* the set of 1, 2 and 3 */
#define GONE 5     /* stands for a master that is no master any more */
#define BIT(m) (1 << ((m) - 1))
#define SIZE(s) (((s) & 1) + (((s) >> 1) & 1) + (((s) >> 2) & 1) + (((s) >> 3) & 1))
#define IS_MAJORITY(some, all) (2 * SIZE((some) & (all)) > SIZE(all))

/* ---- what each member must not forget */

bit  alive[MEMBERS + 1];
byte term[MEMBERS + 1];
bit  voted[MEMBERS + 1]; /* in this term, for itself or another one */
/* Its log is told by its last entry: that of index `last`, written in term `last_term`. All before it follows, as the master
   of a term only ever adds to its log. 0: the log is empty. */
byte last[MEMBERS + 1], last_term[MEMBERS + 1];
/* The membership that counts for it, a set: the last in its log, committed or not. Follows from the log. */
byte members[MEMBERS + 1];
byte granted[MEMBERS + 1]; /* candidate: the set of who has voted for it; 0: it is none */

/* ---- what was sent: the log of the master of each term. A message of it is a part of this log; it may arrive at any time */

byte master[TERMS + 1];  /* of this term; GONE: it was, and may still be heard; 0: there was none, or nobody can hear it */
byte base[TERMS + 1], base_term[TERMS + 1]; /* the last entry that it had before its own term */
byte length[TERMS + 1];  /* index of its last entry; > base; 0: there is no such log */
byte kind[(TERMS + 1) * (ENTRIES + 1)]; /* of entry i that was written in that term: 0, or the membership that it sets */
/* As long as it is master: */
byte acked[TERMS + 1];      /* it has acknowledged all up to this index */
byte setting[TERMS + 1];    /* index of its last membership; 0: the founders'. Follows from the log */
byte electorate[TERMS + 1]; /* its last membership, likewise */
byte held[(TERMS + 1) * (MEMBERS + 1)]; /* up to which index it knows this member to hold its log; 0: not beyond `acked` */

/* ---- what nobody knows, and the properties speak of */

byte ever_acked[ENTRIES + 1]; /* the term of the entry that was acknowledged at this index; 0: none */
byte acked_in[ENTRIES + 1];   /* the lowest term in which that was done */
byte changes;
bit  forgot; /* somebody has started again without memory */

/* ---- of one step; without meaning between steps */

#define STANDS 1
#define VOTES 2
#define TAKES 3
#define ACKNOWLEDGES 4
#define WRITES 5
#define FORGETS 6
hidden byte step;
hidden byte candidate, peer; /* who stands; who votes, takes a message, or forgets */
hidden byte at_term;         /* of the election, or of the master */
hidden byte k;               /* TAKES, ACKNOWLEDGES: up to which entry; WRITES: the membership, or 0 */
hidden byte cut;             /* TAKES: entries of another log were taken away */
hidden byte i, j, m, found, low, reach[TERMS + 1];

#define KIND(in, i) kind[(in) * (ENTRIES + 1) + (i)]
#define HELD(in, m) held[(in) * (MEMBERS + 1) + (m)]
#define HOLDS(in, m, k) (HELD(in, m) >= (k) -> BIT(m) : 0)
#define HOLDERS(in, k) (HOLDS(in, 1, k) | HOLDS(in, 2, k) | HOLDS(in, 3, k) | HOLDS(in, 4, k))

#ifdef NO_LAST_TERM_RULE
#define IS_COMPLETE(c, v) (last[c] >= last[v])
#else
#define IS_COMPLETE(c, v) (last_term[c] > last_term[v] || (last_term[c] == last_term[v] && last[c] >= last[v]))
#endif
#ifdef NO_OWN_TERM_RULE
#define MAY_ACKNOWLEDGE(in, k) true
#else
#define MAY_ACKNOWLEDGE(in, k) ((k) > base[in])
#endif
/* The membership may change: the change before it is committed, and an entry of the master's own term is. */
#if defined NO_ONE_CHANGE_RULE
#define IS_SETTLED(in) (acked[in] > base[in])
#elif defined NO_OWN_TERM_BEFORE_CHANGE_RULE
#define IS_SETTLED(in) (acked[in] >= setting[in] || (setting[in] <= base[in] && ever_acked[setting[in]]))
#else
#define IS_SETTLED(in) (acked[in] > base[in] && acked[in] >= setting[in])
#endif

/* found: the term of entry `index` of a log whose last entry is of term `of_term`. */
inline term_at(of_term, index)
{
    found = of_term;
    do
    :: index <= base[found] -> found = base_term[found]
    :: else -> break
    od
}

/* j: the index of the last membership up to `index` in that log, 0: the founders'; m: the membership. */
inline membership_of(of_term, index)
{
    j = index;
    m = FOUNDERS;
    do
    :: j == 0 -> break
    :: else ->
        term_at(of_term, j);
        if
        :: KIND(found, j) -> m = KIND(found, j); break
        :: else -> j--
        fi
    od
}

inline know_members(who)
{
    membership_of(last_term[who], last[who]);
    members[who] = m
}

inline adopt(who, new_term)
{
    if
    :: term[who] < new_term -> term[who] = new_term; voted[who] = 0
    :: else
    fi;
    granted[who] = 0
}

inline add(of_term, set)
{
    length[of_term]++;
    KIND(of_term, length[of_term]) = set;
    if
    :: set -> setting[of_term] = length[of_term]; electorate[of_term] = set
    :: else
    fi;
#ifndef SLOW_DISKS
    last[master[of_term]] = length[of_term];
    last_term[master[of_term]] = of_term;
    HELD(of_term, master[of_term]) = length[of_term];
    members[master[of_term]] = electorate[of_term]
#endif
}

/* The candidate has one more vote. With a majority it is master: it must have what was acknowledged in terms before; and it writes
   an entry of its own term. */
inline count_votes()
{
    if
#ifdef ONE_MASTER_GIVEN
    :: IS_MAJORITY(granted[candidate], members[candidate]) && master[at_term] -> granted[candidate] = 0
    :: IS_MAJORITY(granted[candidate], members[candidate]) && !master[at_term] ->
#else
    :: IS_MAJORITY(granted[candidate], members[candidate]) ->
        assert(master[at_term] == 0); /* of one term there is one master at most */
#endif
        i = 1;
        do
        :: i <= ENTRIES ->
            if
            :: ever_acked[i] && acked_in[i] < at_term ->
                found = 0;
                if
                :: i <= last[candidate] -> term_at(last_term[candidate], i)
                :: else
                fi;
                assert(found == ever_acked[i]) /* what was acknowledged is in the log of every later master, at its place */
            :: else
            fi;
            i++
        :: else -> break
        od;
        if
        :: last[candidate] < ENTRIES ->
            master[at_term] = candidate;
            base[at_term] = last[candidate];
            base_term[at_term] = last_term[candidate];
            membership_of(last_term[candidate], last[candidate]);
            setting[at_term] = j;
            electorate[at_term] = m;
            length[at_term] = last[candidate];
            add(at_term, 0)
        :: else
        fi;
        granted[candidate] = 0
    :: else
    fi
}

/* ---- steps */

/* Candidate c stands in a term, and has the vote of v. Of itself alone if it is the only member: c == v. The latest membership need
   not have it (thesis, 4.2.2). */
#define ELECT(c, v, in)                                                                                                        \
    :: alive[c] && alive[v] && term[c] < in && term[v] <= in && !(term[v] == in && voted[v]) && (members[c] & BIT(v)) &&       \
           (c != v || members[c] == BIT(c)) && MAY_STAND(c) && IS_COMPLETE(c, v) ->                                            \
        step = STANDS; candidate = c; peer = v; at_term = in
/* Where a majority takes more than two: c is candidate already. */
#define VOTE(c, v)                                                                                                             \
    :: granted[c] && !(granted[c] & BIT(v)) && alive[v] && term[v] <= term[c] && !(term[v] == term[c] && voted[v]) &&          \
           (members[c] & BIT(v)) && IS_COMPLETE(c, v) ->                                                                       \
        step = VOTES; candidate = c; peer = v; at_term = term[c]
/* 4 was no member before somebody had told it so. */
#define MAY_STAND(c) (c != 4 || last[4] > 0)

inline elect()
{
    printf("%d stands in term %d and has the vote of %d\n", candidate, at_term, peer);
    adopt(candidate, at_term);
    voted[candidate] = 1;
    granted[candidate] = BIT(candidate) | BIT(peer);
    adopt_vote()
}

inline vote()
{
    printf("%d has the vote of %d in term %d as well\n", candidate, peer, at_term);
    granted[candidate] = granted[candidate] | BIT(peer);
    adopt_vote()
}

inline adopt_vote()
{
    if
    :: peer != candidate -> adopt(peer, at_term); voted[peer] = 1
    :: else
    fi;
    count_votes()
}

#ifdef SLOW_DISKS
#define FROM_ITSELF(in, v) (master[in] != v || term[v] == in)
#else
#define FROM_ITSELF(in, v) (master[in] != v)
#endif
/* A message of the master of a term comes to v: all up to an entry. From itself: its own disk holds it. */
#define APPEND(in, v, up_to)                                                                                                   \
    :: master[in] && up_to <= length[in] && alive[v] && term[v] <= in && (term[v] < in || HELD(in, v) < up_to) &&              \
           FROM_ITSELF(in, v) &&                                                                                               \
           ((master[in] != GONE && up_to > acked[in]) || term[v] < in || last[v] < up_to || last_term[v] < in) ->              \
        step = TAKES; at_term = in; peer = v; k = up_to

inline append()
{
    printf("%d holds all up to entry %d of the master of term %d\n", peer, k, at_term);
    adopt(peer, at_term);
    cut = 0;
    term_at(at_term, k);
    m = found;
    found = 0;
    if
    :: k <= last[peer] -> term_at(last_term[peer], k)
    :: else
    fi;
    if
    :: found != m -> cut = (last[peer] >= k); last[peer] = k; last_term[peer] = m /* what was there was another log's */
    :: else
    fi;
    know_members(peer);
    if
    :: HELD(at_term, peer) < k -> HELD(at_term, peer) = k
    :: else
    fi
}

/* The master of a term acknowledges all up to an entry: a majority of its membership holds it. */
#define ACKNOWLEDGE(in, up_to)                                                                                                 \
    :: master[in] && master[in] != GONE && acked[in] < up_to && up_to <= length[in] && MAY_ACKNOWLEDGE(in, up_to) &&           \
           IS_MAJORITY(HOLDERS(in, up_to), electorate[in]) ->                                                                  \
        step = ACKNOWLEDGES; at_term = in; k = up_to

inline acknowledge()
{
    printf("%d acknowledges all up to entry %d in term %d\n", master[at_term], k, at_term);
    acked[at_term] = k;
    i = 1;
    do
    :: i <= k ->
        term_at(at_term, i);
        m = found;
        assert(ever_acked[i] == 0 || ever_acked[i] == m); /* of one index one entry is acknowledged at most */
        if
        :: ever_acked[i] == 0 || at_term < acked_in[i] -> acked_in[i] = at_term
        :: else
        fi;
        ever_acked[i] = m;
        j = at_term + 1; /* masters of later terms may be there already */
        do
        :: j <= TERMS ->
            if
            :: master[j] ->
                found = 0;
                if
                :: i <= length[j] -> term_at(j, i)
                :: else
                fi;
                assert(found == m)
            :: else
            fi;
            j++
        :: else -> break
        od;
        i++
    :: else -> break
    od
}

/* A master adds what a client has dispatched; removes member v; takes 4 in. */
#define CAN_ADD(in) (master[in] && master[in] != GONE && length[in] < ENTRIES)
#define DISPATCH(in) :: CAN_ADD(in) && acked[in] > base[in] -> step = WRITES; at_term = in; k = 0
#define REMOVE(in, v)                                                                                                          \
    :: CAN_ADD(in) && changes < CHANGES && IS_SETTLED(in) && (electorate[in] & BIT(v)) && master[in] != v &&                   \
           electorate[in] != BIT(v) ->                                                                                         \
        step = WRITES; at_term = in; k = electorate[in] & ~BIT(v)
#define TAKE_IN(in)                                                                                                            \
    :: CAN_ADD(in) && changes < CHANGES && IS_SETTLED(in) && alive[4] && !(electorate[in] & BIT(4)) ->                         \
        step = WRITES; at_term = in; k = electorate[in] | BIT(4)

inline write()
{
    printf("%d writes entry %d in term %d, membership %d\n", master[at_term], length[at_term] + 1, at_term, k);
    if
    :: k -> changes++
    :: else
    fi;
    add(at_term, k)
}

/* v starts again without its memory: as another one, and its old self is no more. */
#define FORGET(v) :: !forgot && alive[v] -> step = FORGETS; peer = v

inline forget()
{
    printf("%d forgets all\n", peer);
    forgot = 1;
    term[peer] = 0;
    voted[peer] = 0;
    granted[peer] = 0;
    last[peer] = 0;
    last_term[peer] = 0;
#ifdef NO_NEW_MEMBER_RULE
    members[peer] = FOUNDERS
#else
    alive[peer] = 0;
    members[peer] = 0;
    alive[4] = 1;
    members[4] = FOUNDERS
#endif
}

#include "same.pml"

/* ---- */

#if TERMS >= 3
#define FOR_3(f) f(3)
#else
#define FOR_3(f)
#endif
#if TERMS >= 4
#define FOR_4(f) f(4)
#else
#define FOR_4(f)
#endif
#if TERMS >= 5
#define FOR_5(f) f(5)
#else
#define FOR_5(f)
#endif
#define FOR_TERMS(f) f(1) f(2) FOR_3(f) FOR_4(f) FOR_5(f)

#define ELECT_OF(c, in) ELECT(c, 1, in) ELECT(c, 2, in) ELECT(c, 3, in) ELECT(c, 4, in)
#define ELECT_IN(in) ELECT_OF(1, in) ELECT_OF(2, in) ELECT_OF(3, in) ELECT_OF(4, in)
#define VOTE_FOR(c) VOTE(c, 1) VOTE(c, 2) VOTE(c, 3) VOTE(c, 4)
#if ENTRIES >= 4
#define APPEND_TO(in, v) APPEND(in, v, 1) APPEND(in, v, 2) APPEND(in, v, 3) APPEND(in, v, 4)
#define ACKNOWLEDGE_IN(in) ACKNOWLEDGE(in, 1) ACKNOWLEDGE(in, 2) ACKNOWLEDGE(in, 3) ACKNOWLEDGE(in, 4)
#elif ENTRIES >= 3
#define APPEND_TO(in, v) APPEND(in, v, 1) APPEND(in, v, 2) APPEND(in, v, 3)
#define ACKNOWLEDGE_IN(in) ACKNOWLEDGE(in, 1) ACKNOWLEDGE(in, 2) ACKNOWLEDGE(in, 3)
#else
#define APPEND_TO(in, v) APPEND(in, v, 1) APPEND(in, v, 2)
#define ACKNOWLEDGE_IN(in) ACKNOWLEDGE(in, 1) ACKNOWLEDGE(in, 2)
#endif
#define APPEND_OF(in) APPEND_TO(in, 1) APPEND_TO(in, 2) APPEND_TO(in, 3) APPEND_TO(in, 4)
#define WRITE_IN(in) DISPATCH(in) REMOVE(in, 1) REMOVE(in, 2) REMOVE(in, 3) REMOVE(in, 4) TAKE_IN(in)

/* That the model gets anywhere: each of these must be found. */
#ifndef REACHED
#define IS_REACHED false
#elif REACHED == 1 /* of three members two are left, and what a third one does not hold is acknowledged */
#define IS_REACHED (step == ACKNOWLEDGES && SIZE(electorate[at_term]) == 2 && acked[at_term] > setting[at_term] && setting[at_term])
#elif REACHED == 2 /* the one that has started again is a member, master, and acknowledges */
#define IS_REACHED (step == ACKNOWLEDGES && master[at_term] == 4)
#elif REACHED == 3 /* one is elected that its latest membership does not have */
#define IS_REACHED (step <= VOTES && master[at_term] == candidate && !(members[candidate] & BIT(candidate)))
#elif REACHED == 4 /* a message is taken whose sender is no master any more, and takes entries away */
#define IS_REACHED (step == TAKES && master[at_term] == GONE && cut)
#elif REACHED == 5 /* a majority of three is found among four */
#define IS_REACHED (step == VOTES && master[at_term] == candidate && SIZE(members[candidate]) == 4)
#elif REACHED == 6 /* in the last term something of the first is acknowledged, after terms that were skipped */
#define IS_REACHED (step == ACKNOWLEDGES && at_term == TERMS && ever_acked[1] == 1 && acked_in[1] == TERMS)
#endif

active proctype room()
{
    d_step {
        alive[1] = 1; alive[2] = 1; alive[3] = 1;
        members[1] = FOUNDERS; members[2] = FOUNDERS; members[3] = FOUNDERS
    }
end:
    do
    :: atomic {
        if
        FOR_TERMS(ELECT_IN)
        VOTE_FOR(1) VOTE_FOR(2) VOTE_FOR(3) VOTE_FOR(4)
        FOR_TERMS(APPEND_OF)
        FOR_TERMS(ACKNOWLEDGE_IN)
        FOR_TERMS(WRITE_IN)
        FORGET(1) FORGET(2) FORGET(3)
        fi;
        d_step {
            if
            :: step == STANDS -> elect()
            :: step == VOTES -> vote()
            :: step == TAKES -> append()
            :: step == ACKNOWLEDGES -> acknowledge()
            :: step == WRITES -> write()
            :: step == FORGETS -> forget()
            fi;
            assert(!IS_REACHED);
            tidy();
            order_all();
            step = 0; candidate = 0; peer = 0; at_term = 0; k = 0; i = 0; j = 0; m = 0; found = 0; low = 0
        } }
    od
}
