namespace Vni.Simulation;

/// <summary>Things to come, in order of time, then of arrival: a binary heap.</summary>
internal sealed class Timeline
{
    private struct Entry
    {
        public long At;
        public long Number;
        public Daemon? Of;
        public Action What;

        public readonly bool Before(in Entry other) => At != other.At ? At < other.At : Number < other.Number;
    }

    private Entry[] _entries = new Entry[64];
    private int _count;
    private long _number;

    public void Add(long at, Daemon? of, Action what)
    {
        if (_count == _entries.Length) Array.Resize(ref _entries, _count * 2);
        var entry = new Entry { At = at, Number = _number++, Of = of, What = what };
        var i = _count++;
        while (i > 0 && entry.Before(_entries[(i - 1) / 2]))
        {
            _entries[i] = _entries[(i - 1) / 2];
            i = (i - 1) / 2;
        }

        _entries[i] = entry;
    }

    public bool Take(out long at, out Daemon? of, out Action what)
    {
        if (_count == 0)
        {
            (at, of, what) = (0, null, static () => { });
            return false;
        }

        (at, of, what) = (_entries[0].At, _entries[0].Of, _entries[0].What);
        var last = _entries[--_count];
        _entries[_count] = default;
        var i = 0;
        while (true)
        {
            var child = 2 * i + 1;
            if (child >= _count) break;
            if (child + 1 < _count && _entries[child + 1].Before(_entries[child])) child++;
            if (!_entries[child].Before(last)) break;
            _entries[i] = _entries[child];
            i = child;
        }

        if (_count > 0) _entries[i] = last;
        return true;
    }
}
