/* Election, replication and membership of a room of peers (src/peers/raft*.c), for the model checker Spin. README.md says what
   is left out and why that hides nothing, which properties are checked, and how it is run.

   Members are numbers: 1, 2 and 3 have founded the room; 4 is the number of the one that starts again without its memory.

   Switches: TERMS, ENTRIES, CHANGES bound the run. NO_OWN_TERM_RULE, NO_LAST_TERM_RULE, NO_NEW_MEMBER_RULE and
   NO_ONE_CHANGE_RULE each take a rule out. ONE_MASTER_GIVEN has elections that would give a term two masters fail, so that
   another violation is looked for. NO_SYMMETRY keeps the names of members, to read a trail by. */

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

hidden byte step, x, y, at_term, k;
hidden byte i, j, m, w, low;
hidden byte reach[TERMS + 1];

#define KIND(at_term, i) kind[(at_term) * (ENTRIES + 1) + (i)]
#define HELD(at_term, m) held[(at_term) * (MEMBERS + 1) + (m)]
#define HOLDERS(at_term, k)                                                                                                          \
    ((HELD(at_term, 1) >= (k) -> 1 : 0) | (HELD(at_term, 2) >= (k) -> 2 : 0) | (HELD(at_term, 3) >= (k) -> 4 : 0) | (HELD(at_term, 4) >= (k) -> 8 : 0))

#ifdef NO_LAST_TERM_RULE
#define IS_COMPLETE(c, v) (last[c] >= last[v])
#else
#define IS_COMPLETE(c, v) (last_term[c] > last_term[v] || (last_term[c] == last_term[v] && last[c] >= last[v]))
#endif
#ifdef NO_OWN_TERM_RULE
#define MAY_ACK(at_term, k) true
#else
#define MAY_ACK(at_term, k) ((k) > base[at_term])
#endif
#if defined NO_ONE_CHANGE_RULE
#define IS_SETTLED(at_term) (acked[at_term] > base[at_term])
#elif defined NO_OWN_TERM_BEFORE_CHANGE_RULE
#define IS_SETTLED(at_term) (acked[at_term] >= setting[at_term] || (setting[at_term] <= base[at_term] && ever_acked[setting[at_term]]))
#else
#define IS_SETTLED(at_term) (acked[at_term] > base[at_term] && acked[at_term] >= setting[at_term])
#endif

/* w: the term of entry `index` of a log whose last entry is of term `of_term`. */
inline term_at(of_term, index)
{
    w = of_term;
    do
    :: index <= base[w] -> w = base_term[w]
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
        :: KIND(w, j) -> m = KIND(w, j); break
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

/* Candidate x has one more vote. With a majority it is master: it must have what was acknowledged in terms before; and it writes
   an entry of its own term. */
inline count_votes()
{
    if
    :: IS_MAJORITY(granted[x], members[x]) ->
#ifndef ONE_MASTER_GIVEN
        assert(master[at_term] == 0); /* of one term there is one master at most */
#endif
        i = 1;
        do
        :: i <= ENTRIES ->
            if
            :: ever_acked[i] && acked_in[i] < at_term ->
                w = 0;
                if
                :: i <= last[x] -> term_at(last_term[x], i)
                :: else
                fi;
                assert(w == ever_acked[i]) /* what was acknowledged is in the log of every later master, at its place */
            :: else
            fi;
            i++
        :: else -> break
        od;
        if
        :: master[at_term] == 0 && last[x] < ENTRIES ->
            master[at_term] = x;
            base[at_term] = last[x];
            base_term[at_term] = last_term[x];
            membership_of(last_term[x], last[x]);
            setting[at_term] = j;
            electorate[at_term] = m;
            length[at_term] = last[x];
            add(at_term, 0)
        :: else
        fi;
        granted[x] = 0
    :: else
    fi
}

/* ---- steps */

/* x stands in term t, in which it may be the only one that votes (y == x), and has the vote of y. */
#define ELECT(c, v, in)                                                                                                        \
    :: alive[c] && alive[v] && term[c] < in && term[v] <= in && !(term[v] == in && voted[v]) && (members[c] & BIT(v)) &&       \
           (c != v || members[c] == BIT(c)) && MAY_STAND(c) && IS_COMPLETE(c, v) ->                                            \
        step = 1; x = c; y = v; at_term = in
/* Where a majority takes more than two: x is candidate already. */
#define VOTE(c, v)                                                                                                             \
    :: granted[c] && !(granted[c] & BIT(v)) && alive[v] && term[v] <= term[c] && !(term[v] == term[c] && voted[v]) &&          \
           (members[c] & BIT(v)) && IS_COMPLETE(c, v) ->                                                                       \
        step = 2; x = c; y = v; at_term = term[c]
/* 4 was no member before somebody had told it so. */
#define MAY_STAND(c) (c != 4 || last[4] > 0)

inline elect()
{
    printf("%d stands in term %d and has the vote of %d\n", x, at_term, y);
    adopt(x, at_term);
    voted[x] = 1;
    granted[x] = BIT(x) | BIT(y);
    adopt_vote()
}

inline vote()
{
    printf("%d has the vote of %d in term %d as well\n", x, y, at_term);
    granted[x] = granted[x] | BIT(y);
    adopt_vote()
}

inline adopt_vote()
{
    if
    :: y != x -> adopt(y, at_term); voted[y] = 1
    :: else
    fi;
    count_votes()
}

#ifdef SLOW_DISKS
#define FROM_ITSELF(in, v) (master[in] != v || term[v] == in)
#else
#define FROM_ITSELF(in, v) (master[in] != v)
#endif
/* A message of the master of term t comes to v: all up to entry k. To itself: that its own disk holds it. */
#define APPEND(in, v, up_to)                                                                                                   \
    :: master[in] && up_to <= length[in] && alive[v] && term[v] <= in && (term[v] < in || HELD(in, v) < up_to) &&              \
           FROM_ITSELF(in, v) && ((master[in] != GONE && up_to > acked[in]) || term[v] < in || last[v] < up_to || last_term[v] < in) -> \
        step = 3; at_term = in; y = v; k = up_to

inline append()
{
    printf("%d holds all up to entry %d of the master of term %d\n", y, k, at_term);
    adopt(y, at_term);
    term_at(at_term, k);
    m = w;
    w = 0;
    if
    :: k <= last[y] -> term_at(last_term[y], k)
    :: else
    fi;
    if
    :: w != m -> last[y] = k; last_term[y] = m /* all after it was another log's */
    :: else
    fi;
    know_members(y);
    if
    :: HELD(at_term, y) < k -> HELD(at_term, y) = k
    :: else
    fi
}

/* The master of term t acknowledges all up to entry k: a majority holds it. */
#define ACKNOWLEDGE(in, up_to)                                                                                                 \
    :: master[in] && master[in] != GONE && acked[in] < up_to && up_to <= length[in] && MAY_ACK(in, up_to) &&                   \
           IS_MAJORITY(HOLDERS(in, up_to), electorate[in]) ->                                                                  \
        step = 4; at_term = in; k = up_to

inline acknowledge()
{
    printf("%d acknowledges all up to entry %d in term %d\n", master[at_term], k, at_term);
    acked[at_term] = k;
    i = 1;
    do
    :: i <= k ->
        term_at(at_term, i);
        m = w;
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
                w = 0;
                if
                :: i <= length[j] -> term_at(j, i)
                :: else
                fi;
                assert(w == m)
            :: else
            fi;
            j++
        :: else -> break
        od;
        i++
    :: else -> break
    od
}

/* The master of term t adds what a client has dispatched; removes member v; takes 4 in. */
#define CAN_ADD(in) (master[in] && master[in] != GONE && length[in] < ENTRIES)
#define DISPATCH(in) :: CAN_ADD(in) && acked[in] > base[in] -> step = 5; at_term = in; k = 0
#define REMOVE(in, v)                                                                                                          \
    :: CAN_ADD(in) && changes < CHANGES && IS_SETTLED(in) && (electorate[in] & BIT(v)) && master[in] != v &&                   \
           electorate[in] != BIT(v) ->                                                                                         \
        step = 5; at_term = in; k = electorate[in] & ~BIT(v)
#define TAKE_IN(in)                                                                                                            \
    :: CAN_ADD(in) && changes < CHANGES && IS_SETTLED(in) && alive[4] && !(electorate[in] & BIT(4)) ->                         \
        step = 5; at_term = in; k = electorate[in] | BIT(4)

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
#define FORGET(v) :: !forgot && alive[v] -> step = 6; y = v

inline forget()
{
    printf("%d forgets all\n", y);
    forgot = 1;
    term[y] = 0;
    voted[y] = 0;
    granted[y] = 0;
    last[y] = 0;
    last_term[y] = 0;
#ifdef NO_NEW_MEMBER_RULE
    members[y] = FOUNDERS
#else
    alive[y] = 0;
    members[y] = 0;
    alive[4] = 1;
    members[4] = FOUNDERS
#endif
}

/* ---- what makes no difference any more is taken out, so that states are the same that only differ in it */

inline reach_of(of_term, index)
{
    w = of_term;
    i = index;
    do
    :: i == 0 || reach[w] >= i -> break
    :: else ->
        reach[w] = i;
        i = base[w];
        w = base_term[w]
    od
}

inline tidy()
{
    low = TERMS + 1; /* the lowest term that somebody is in: messages of earlier ones are not heard any more */
    m = 1;
    do
    :: m <= MEMBERS ->
        if
        :: alive[m] && term[m] < low -> low = term[m]
        :: else
        fi;
        m++
    :: else -> break
    od;
    at_term = 1;
    do
    :: at_term <= TERMS ->
        reach[at_term] = 0;
        if
        :: master[at_term] && master[at_term] != GONE ->
            if
            :: alive[master[at_term]] && term[master[at_term]] == at_term
            :: else -> master[at_term] = GONE
            fi
        :: else
        fi;
        if
        :: at_term < low -> master[at_term] = 0
        :: else
        fi;
        if
        :: master[at_term] == 0 || master[at_term] == GONE -> acked[at_term] = 0; setting[at_term] = 0; electorate[at_term] = 0
        :: else
        fi;
        m = 1;
        do
        :: m <= MEMBERS ->
            if
            :: master[at_term] == 0 || master[at_term] == GONE || HELD(at_term, m) <= acked[at_term] ||
                   (m != 4 && !(electorate[at_term] & BIT(m))) -> HELD(at_term, m) = 0
            :: else
            fi;
            m++
        :: else -> break
        od;
        at_term++
    :: else -> break
    od;
    m = 1;
    do
    :: m <= MEMBERS -> reach_of(last_term[m], last[m]); m++
    :: else -> break
    od;
    at_term = 1;
    do
    :: at_term <= TERMS ->
        if
        :: master[at_term] -> reach_of(at_term, length[at_term])
        :: else
        fi;
        at_term++
    :: else -> break
    od;
    at_term = 1;
    do
    :: at_term <= TERMS ->
        i = reach[at_term] + 1;
        do
        :: i <= ENTRIES -> KIND(at_term, i) = 0; i++
        :: else -> break
        od;
        length[at_term] = reach[at_term];
        if
        :: length[at_term] == 0 -> base[at_term] = 0; base_term[at_term] = 0
        :: else
        fi;
        at_term++
    :: else -> break
    od;
    i = 1;
    do
    :: i <= ENTRIES -> /* all who can be elected yet are so in later terms */
        if
        :: acked_in[i] > 1 && low >= acked_in[i] -> acked_in[i] = 1
        :: else
        fi;
        i++
    :: else -> break
    od
}

/* 1, 2 and 3 are alike: states are the same that differ in their names alone. */
#define KEY(v) (((((alive[v] * 8 + term[v]) * 8 + last_term[v]) * 8 + last[v]) * 2 + voted[v]))
#define KEY_AS_HELD(v) ((term[v] && master[term[v]] == v -> 8 : 0) + HELD(term[v], v))
#define EXCHANGE(p, q) w = p; p = q; q = w
#define EXCHANGE_BITS(s, a, b)                                                                                                 \
    if                                                                                                                         \
    :: ((s >> (a - 1)) & 1) != ((s >> (b - 1)) & 1) -> s = s ^ (BIT(a) | BIT(b))                                               \
    :: else                                                                                                                    \
    fi

inline order(a, b)
{
    if
    :: KEY(a) > KEY(b) || (KEY(a) == KEY(b) && KEY_AS_HELD(a) > KEY_AS_HELD(b)) ->
        EXCHANGE(alive[a], alive[b]);
        EXCHANGE(term[a], term[b]);
        EXCHANGE(voted[a], voted[b]);
        EXCHANGE(last[a], last[b]);
        EXCHANGE(last_term[a], last_term[b]);
        EXCHANGE(members[a], members[b]);
        EXCHANGE(granted[a], granted[b]);
        m = 1;
        do
        :: m <= MEMBERS -> EXCHANGE_BITS(members[m], a, b); EXCHANGE_BITS(granted[m], a, b); m++
        :: else -> break
        od;
        at_term = 1;
        do
        :: at_term <= TERMS ->
            EXCHANGE(HELD(at_term, a), HELD(at_term, b));
            EXCHANGE_BITS(electorate[at_term], a, b);
            if
            :: master[at_term] == a -> master[at_term] = b
            :: master[at_term] == b -> master[at_term] = a
            :: else
            fi;
            i = 1;
            do
            :: i <= ENTRIES -> EXCHANGE_BITS(KIND(at_term, i), a, b); i++
            :: else -> break
            od;
            at_term++
        :: else -> break
        od
    :: else
    fi
}

inline order_all()
{
#ifndef NO_SYMMETRY
    order(1, 2);
    order(2, 3);
    order(1, 2)
#else
    skip
#endif
}

/* ---- */

#define FOR_TERMS_1_2(f) f(1) f(2)
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
            :: step == 1 -> elect()
            :: step == 2 -> vote()
            :: step == 3 -> append()
            :: step == 4 -> acknowledge()
            :: step == 5 -> write()
            :: step == 6 -> forget()
            fi;
            tidy();
            order_all();
#ifdef NEVER
            assert(!(NEVER));
#endif
            step = 0; x = 0; y = 0; at_term = 0; k = 0; i = 0; j = 0; m = 0; w = 0; low = 0
        } }
    od
}
