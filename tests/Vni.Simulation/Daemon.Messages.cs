namespace Vni.Simulation;

/// <content>Questions between daemons: delivered at most once, answered once, repeated answers to repeated ids.</content>
internal sealed partial class Daemon
{
    internal enum Answer
    {
        Done,
        Refused,
        Silent,
    }

    /// <summary>What was asked and what came of it; <c>null</c>: nothing yet. Gone with the daemon.</summary>
    private readonly Dictionary<string, Question> _known = [];

    private sealed class Question
    {
        public bool? Result;
        public readonly List<Action<bool>> Waiting = [];
    }

    private void Ask(Node to, string id, int timeout, Action<Daemon, Action<bool>> handler, Action<Answer> done)
    {
        var over = false;
        var (plan, random) = (world.Plan, world.Random);
        var chaos = !world.Healed;
        After(timeout, () => Over(Answer.Silent));
        Send();
        if (chaos && random.Percent(plan.Duplicate)) Send();

        void Over(Answer answer)
        {
            if (over) return;
            over = true;
            done(answer);
        }

        int Delay() => chaos && random.Percent(plan.Slow) ? random.Between(100, 12_000) : random.Between(1, 15);

        void Send()
        {
            if (chaos && random.Percent(plan.Drop)) return;
            world.At(world.Now + Delay(), () =>
            {
                if (!node.Up || !node.Reaches(to) || !to.Up) return;
                if (to.Daemon is not { } daemon)
                {
                    Back(() => Over(Answer.Refused));
                    return;
                }

                daemon.Run(() => daemon.Receive($"{node.Name}:{id}", handler, result => Back(() => Over(result ? Answer.Done : Answer.Refused))));
            });
        }

        void Back(Action answer)
        {
            if (chaos && random.Percent(plan.Drop)) return;
            After(Delay(), () => { if (node.Reaches(to)) answer(); });
        }
    }

    private void Receive(string id, Action<Daemon, Action<bool>> handler, Action<bool> answer)
    {
        if (!_opened)
        {
            answer(false);
            return;
        }

        if (_known.TryGetValue(id, out var question))
        {
            if (question.Result is { } known) answer(known);
            else question.Waiting.Add(answer);
            return;
        }

        _known[id] = question = new Question();
        question.Waiting.Add(answer);
        Step($"receives {id}", () => handler(this, result =>
        {
            if (question.Result is not null) return;
            question.Result = result;
            if (!result) _known.Remove(id); // What was refused has changed nothing, and may be asked again.
            foreach (var waiting in question.Waiting) waiting(result);
            question.Waiting.Clear();
        }));
    }
}
